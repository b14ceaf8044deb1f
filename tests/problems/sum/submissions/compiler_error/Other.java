public class Other {
    void add() { undefined(); }
}
