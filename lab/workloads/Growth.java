// A service whose memory is told what to do: `Growth NAME=VALUE…`, then lines on stdin, one per tick:
//   REQUESTS LEAK NATIVE HELD WARM
// REQUESTS are handled (garbage of `garbage` bytes each, one look into a cache of `keys` possible keys that is
// bounded by `entries` and `bytes`, one of `slots` buffers replaced, `log` bytes written to a file that is
// rotated), LEAK bytes are kept on the heap and NATIVE bytes in direct buffers for ever, sessions are opened or
// closed until HELD bytes are held, four times WARM classes of the JDK are loaded. Each line is answered with the requests
// so far.
// Growth.class beside it is this file compiled with `javac --release 8 -g:none Growth.java`.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.RandomAccessFile;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Random;
import java.util.stream.Stream;

public class Growth {
    static final HashMap<String, Integer> told = new HashMap<>();
    static final LinkedHashMap<Integer, byte[]> cache = new LinkedHashMap<>(16, 0.75f, true);
    static Random chance;
    static long cached;
    static byte[][] slots;
    static int garbage, keys, entries, bytes, entry;
    static RandomAccessFile log;
    static byte[] line;
    static byte[][] page;

    static int of(String name, int otherwise) {
        return told.getOrDefault(name, otherwise);
    }

    static void ask(int key) {
        if (cache.get(key) != null) {
            return;
        }
        int size = entry / 2 + chance.nextInt(entry);
        cache.put(key, new byte[size]);
        cached += size;
        while (entries > 0 && cache.size() > entries || bytes > 0 && cached > bytes) {
            Iterator<byte[]> oldest = cache.values().iterator();
            cached -= oldest.next().length;
            oldest.remove();
        }
    }

    static void request() throws Exception {
        for (int at = 0; at < page.length; at++) {
            page[at] = new byte[1008];
        }
        if (keys > 0) {
            ask(chance.nextInt(keys));
        }
        if (slots.length > 0) {
            int size = 256 << chance.nextInt(9);
            slots[chance.nextInt(slots.length)] = new byte[size + chance.nextInt(size)];
        }
        if (log != null) {
            log.write(line);
            if (log.getFilePointer() > 24 << 20) {
                log.setLength(0);
                log.seek(0);
            }
        }
    }

    static Iterator<String> classes() throws Exception {
        Path all = FileSystems.getFileSystem(URI.create("jrt:/")).getPath("modules/java.base/sun");
        ArrayList<String> names = new ArrayList<>();
        try (Stream<Path> paths = Files.walk(all)) {
            for (Iterator<Path> each = paths.iterator(); each.hasNext(); ) {
                String name = each.next().toString();
                if (name.endsWith(".class") && !name.endsWith("-info.class")) {
                    names.add(name.substring(19, name.length() - 6).replace('/', '.'));
                }
            }
        }
        return names.iterator();
    }

    public static void main(String[] words) throws Exception {
        for (String word : words) {
            String[] parts = word.split("=");
            told.put(parts[0], Integer.valueOf(parts[1]));
        }
        chance = new Random(of("seed", 1));
        garbage = of("garbage", 0);
        keys = of("keys", 0);
        entries = of("entries", 0);
        bytes = of("bytes", 0);
        entry = of("entry", 2048);
        slots = new byte[of("slots", 0)][];
        line = new byte[of("log", 0)];
        log = line.length > 0 ? new RandomAccessFile("service.log", "rw") : null;
        page = new byte[(garbage + 1023) / 1024][];
        ArrayList<byte[]> leaked = new ArrayList<>();
        ArrayList<ByteBuffer> kept = new ArrayList<>();
        ArrayDeque<byte[]> sessions = new ArrayDeque<>();
        ArrayList<Class<?>> loaded = new ArrayList<>();
        Iterator<String> names = null;
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        long done = 0;
        for (String text = lines.readLine(); text != null; text = lines.readLine()) {
            String[] told = text.split(" ");
            int requests = Integer.parseInt(told[0]);
            for (int at = 0; at < requests; at++) {
                request();
            }
            done += requests;
            for (int left = Integer.parseInt(told[1]); left > 0; left -= 1024) {
                leaked.add(new byte[1008]);
            }
            for (int left = Integer.parseInt(told[2]); left > 0; left -= 16384) {
                ByteBuffer one = ByteBuffer.allocateDirect(16384);
                kept.add(one);
            }
            int held = Integer.parseInt(told[3]) / 4096;
            while (sessions.size() < held) {
                sessions.add(new byte[4080]);
            }
            while (sessions.size() > held) {
                sessions.remove();
            }
            for (int left = 4 * Integer.parseInt(told[4]); left > 0; left--) {
                names = names == null ? classes() : names;
                if (names.hasNext()) {
                    try {
                        loaded.add(Class.forName(names.next(), false, null));
                    } catch (Throwable absent) {
                        // Some need what is not there.
                    }
                }
            }
            System.out.println(done);
        }
    }
}
