import java.nio.file.*;
import java.util.Scanner;

public class Main {
    public static void main(String[] args) throws Exception {
        Path door = Path.of("mark.txt");
        String mark = Files.exists(door) ? Files.readString(door).strip() : ".";
        Scanner in = new Scanner(System.in);
        while (in.hasNext())
            System.out.println((args.length > 0 ? args[0] + ": " : "") + Greet.greeting(in.next(), in.nextInt()) + mark);
    }
}
