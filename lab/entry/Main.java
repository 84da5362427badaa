/** Says what the JVM believes, then waits to be told to end. */
public class Main {
    public static void main(String[] arguments) throws Exception {
        String told = System.getenv("JAVA_TOOL_OPTIONS");
        System.out.println("{\"pid\": " + ProcessHandle.current().pid()
            + ", \"version\": \"" + System.getProperty("java.version")
            + "\", \"ceiling\": " + Runtime.getRuntime().maxMemory()
            + ", \"told\": " + (told == null ? "null" : "\"" + told + "\"") + "}");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("TERM")));
        Thread.sleep(Long.MAX_VALUE);
    }
}
