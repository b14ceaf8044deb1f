import java.util.Scanner;

public class Halves {
    public static void main(String[] args) {
        Scanner in = new Scanner(System.in);
        int least = 1, most = 1000;
        while (true) {
            int middle = (least + most) / 2;
            System.out.println(middle);
            String answer = in.next();
            if (answer.equals("yes")) return;
            if (answer.equals("more")) least = middle + 1;
            else most = middle - 1;
        }
    }
}
