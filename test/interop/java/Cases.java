import java.util.Arrays;
import java.util.Collection;
import java.util.concurrent.ExecutionException;

/**
 * The cases of one Java program: each prints {@code case NAME}, then {@code ok NAME} or {@code FAILED NAME: why}; the program
 * ends with {@code done}. Needs nothing but the JDK, so that it compiles beside every generation of the clients.
 */
final class Cases {
    interface Body {
        void run() throws Exception;
    }

    private Cases() {}

    static void run(String name, Body body) {
        System.out.println("case " + name);
        try {
            body.run();
            System.out.println("ok " + name);
        } catch (Throwable error) {
            Throwable cause = error instanceof ExecutionException && error.getCause() != null ? error.getCause() : error;
            StackTraceElement[] stack = cause.getStackTrace();
            StringBuilder where = new StringBuilder();
            for (StackTraceElement frame : stack) {
                if (frame.getFileName() != null && frame.getModuleName() == null) where.append(" < ").append(frame.getFileName()).append(':').append(frame.getLineNumber());
                if (where.length() > 300) break;
            }
            System.out.println("FAILED " + name + ": " + String.valueOf(cause).replace('\n', ' ') + where);
        }
    }

    static void done() {
        System.out.println("done");
        System.out.flush();
        System.exit(0); // threads of a client that failed must not keep the program
    }

    static void equal(Object actual, Object expected) {
        if (actual == null ? expected == null : actual.equals(expected)) return;
        throw new AssertionError("got " + cut(actual) + ", expected " + cut(expected));
    }

    static void holds(boolean condition, String what) {
        if (!condition) throw new AssertionError("does not hold: " + what);
    }

    /** The case must fail in this way; the message is returned. */
    static String fails(Class<? extends Throwable> with, Body body) throws Exception {
        try {
            body.run();
        } catch (Throwable error) {
            Throwable cause = error instanceof ExecutionException ? error.getCause() : error;
            if (with.isInstance(cause)) return String.valueOf(cause.getMessage());
            throw new AssertionError("failed with " + cause + " instead of " + with.getSimpleName(), cause);
        }
        throw new AssertionError("did not fail with " + with.getSimpleName());
    }

    interface Probe {
        boolean holds() throws Exception;
    }

    static void until(String what, Probe probe) throws Exception {
        long end = System.nanoTime() + 90_000_000_000L;
        while (!probe.holds()) {
            if (System.nanoTime() > end) throw new AssertionError("not within 90 s: " + what);
            Thread.sleep(20);
        }
    }

    private static String cut(Object value) {
        String text = value instanceof Object[] ? Arrays.toString((Object[]) value) : String.valueOf(value);
        if (value instanceof Collection) text = ((Collection<?>) value).size() + " elements " + text;
        return text.length() > 500 ? text.substring(0, 500) + "..." : text;
    }
}
