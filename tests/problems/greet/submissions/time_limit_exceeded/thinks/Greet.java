class Greet {
    static String greeting(String name, int hour) {
        while (hour > 20) Thread.onSpinWait();
        return (hour < 12 ? "Good morning, " : "Good day, ") + name;
    }
}
