// Fills memory one MiB at a time: `heap N` on the Java heap, `direct N` in direct buffers.
// Filler.class beside it is this file compiled with `javac --release 11 -g:none Filler.java`;
// a runtime image has no compiler.
public class Filler {
    public static void main(String[] words) throws Exception {
        int mebibytes = Integer.parseInt(words[1]);
        java.util.ArrayList<Object> kept = new java.util.ArrayList<>();
        for (int i = 0; i < mebibytes; i++) {
            if (words[0].equals("heap")) {
                kept.add(new byte[1 << 20]);
            } else {
                java.nio.ByteBuffer buffer = java.nio.ByteBuffer.allocateDirect(1 << 20);
                for (int at = 0; at < buffer.capacity(); at += 4096) {
                    buffer.put(at, (byte) 1);
                }
                kept.add(buffer);
            }
        }
        System.out.println("filled " + kept.size());
    }
}
