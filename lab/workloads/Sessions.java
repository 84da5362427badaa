// A service with a cache of sessions: `Sessions LIVE REQUESTS KIND SIZE`.
//   LIVE     MiB of sessions that are held; the oldest goes when a new one comes: garbage in the old generation
//   REQUESTS how many; each makes a session
//   KIND     heap, or direct: each request also uses a direct buffer of SIZE KiB and drops it, or kept: holds it
// `done N` when every answer was right.
// Sessions.class beside it is this file compiled with `javac --release 8 -g:none Sessions.java`.
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;

public class Sessions {
    static final int PER_SESSION = 16 << 10;

    public static void main(String[] words) {
        int live = Integer.parseInt(words[0]);
        int requests = Integer.parseInt(words[1]);
        boolean direct = !words[2].equals("heap");
        boolean kept = words[2].equals("kept");
        int size = Integer.parseInt(words[3]) << 10;
        int most = (live << 20) / PER_SESSION;
        ArrayDeque<byte[][]> sessions = new ArrayDeque<>();
        ArrayList<ByteBuffer> bodies = new ArrayList<>();
        int right = 0;
        for (int id = 0; id < requests; id++) {
            byte[][] session = new byte[16][PER_SESSION / 16 - 16];
            for (byte[] part : session) {
                part[part.length - 1] = (byte) id;
            }
            sessions.add(session);
            byte oldest = (byte) (id - sessions.size() + 1);
            boolean good = sessions.peek()[15][PER_SESSION / 16 - 17] == oldest;
            if (sessions.size() > most) {
                sessions.remove();
            }
            if (direct) {
                ByteBuffer body = ByteBuffer.allocateDirect(size);
                for (int at = 0; at < size; at += 4096) {
                    body.put(at, (byte) id);
                }
                good &= body.get(size - 4096) == (byte) id;
                if (kept) {
                    bodies.add(body);
                }
            }
            right += good ? 1 : 0;
        }
        System.out.println(right == requests ? "done " + right : "wrong: " + right + " of " + requests);
    }
}
