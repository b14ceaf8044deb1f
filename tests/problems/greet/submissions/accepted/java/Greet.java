class Greet {
    static String greeting(String name, int hour) {
        return (hour < {{noon}} ? "Good morning, " : "Good day, ") + name;
    }
}
