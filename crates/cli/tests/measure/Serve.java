import java.io.FileWriter;
import java.util.ArrayList;
import java.util.List;

/** Keeps as many MiB as it is told, and makes 2 MiB of garbage for each request; ends with its input. */
public final class Serve {
    static byte[][] sink = new byte[256][];

    public static void main(String[] words) throws Exception {
        Thread input = new Thread(() -> {
            try {
                while (System.in.read() >= 0) { }
            } catch (java.io.IOException gone) {
                // It ends all the same.
            }
            System.exit(0);
        });
        input.setDaemon(true);
        input.start();
        List<byte[]> kept = new ArrayList<>();
        for (int at = 0; at < Integer.parseInt(words[0]) * 16; at++) {
            kept.add(new byte[65520]);
        }
        FileWriter log = new FileWriter(words[1]);
        System.out.println("up");
        System.out.flush();
        while (true) {
            long began = System.nanoTime();
            for (int at = 0; at < 256; at++) {
                sink[at] = new byte[8176];
            }
            log.write("latency_ms=" + (System.nanoTime() - began) / 1e6 + "\n");
            log.flush();
            Thread.sleep(1);
        }
    }
}
