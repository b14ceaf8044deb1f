// hostile: brings an annotation processor, which javac would run while it compiles; it is told not to.
import java.util.Scanner;

@Deprecated
public class Main {
    public static void main(String[] args) {
        Scanner in = new Scanner(System.in);
        System.out.println(in.nextLong() + in.nextLong());
    }
}
