// hostile: Java's own ways to files, processes and system properties; the virtual machine is in the box as well.
import java.nio.file.*;
import java.util.stream.Stream;

public class Reflects {
    public static void main(String[] args) throws Exception {
        for (String place : new String[] {"/box", "/tmp", "/program", "/root", "/home", "/var"}) {
            if (!Files.isReadable(Path.of(place))) continue;
            try (Stream<Path> paths = Files.walk(Path.of(place), 6)) {
                paths.filter(path -> path.toString().matches(".*\\.(ans|in|out)")).forEach(path -> System.out.println("found " + path));
            } catch (Exception ignored) {
            }
        }
        ProcessHandle.allProcesses().filter(process -> process.pid() != ProcessHandle.current().pid())
            .flatMap(process -> process.info().commandLine().stream())
            .filter(line -> line.contains(".ans")).forEach(line -> System.out.println("found " + line));
        System.out.println("nothing");
    }
}
