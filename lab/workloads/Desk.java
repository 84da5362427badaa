// A server that holds a cache and answers one request after the other: `Desk PORT LIVE GARBAGE BUFFER`.
//   LIVE     MiB of entries that are held from the start on; each request replaces some of them
//   GARBAGE  KiB of entries that a request replaces
//   BUFFER   KiB of a direct buffer that a request uses and drops
// Every line that comes is a request and is answered with `ok`.
// Desk.class beside it is this file compiled with `javac --release 8 -g:none Desk.java`.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;

public class Desk {
    static final int ENTRY = 1 << 10;
    static byte[][] held;
    static int oldest;

    static void request(int garbage, int buffer) {
        for (int at = 0; at < garbage && held.length > 0; at++) {
            held[oldest] = new byte[ENTRY - 16];
            oldest = (oldest + 1) % held.length;
        }
        if (buffer > 0) {
            ByteBuffer body = ByteBuffer.allocateDirect(buffer << 10);
            for (int at = 0; at < body.capacity(); at += 4096) {
                body.put(at, (byte) at);
            }
        }
    }

    public static void main(String[] words) throws Exception {
        held = new byte[Integer.parseInt(words[1]) << 10][];
        request(held.length, 0);
        int garbage = Integer.parseInt(words[2]);
        int buffer = Integer.parseInt(words[3]);
        int port = Integer.parseInt(words[0]);
        try (ServerSocket door = new ServerSocket(port, 50, InetAddress.getLoopbackAddress())) {
            while (true) {
                try (Socket guest = door.accept()) {
                    InputStreamReader bytes = new InputStreamReader(guest.getInputStream());
                    BufferedReader lines = new BufferedReader(bytes, 64);
                    OutputStream answer = guest.getOutputStream();
                    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                        request(garbage, buffer);
                        answer.write("ok\n".getBytes());
                    }
                } catch (java.io.IOException gone) {
                    // The next one.
                }
            }
        }
    }
}
