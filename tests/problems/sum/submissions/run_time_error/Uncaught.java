public class Uncaught {
    public static void main(String[] args) throws Exception {
        int first = System.in.read();
        if (first == '0') throw new IllegalStateException("nothing on the shelf");
        if (first == '3') System.out.println(7);
        if (first == '-') System.out.println(-2);
        if (first == '1') throw new IllegalStateException("I cannot count so far");
    }
}
