// hostile: templates that double with each level, to keep the compiler busy for ever; its time is limited.
template <int depth, long path> struct Tree {
    using Left = Tree<depth - 1, path * 2>;
    using Right = Tree<depth - 1, path * 2 + 1>;
    static constexpr long value = Left::value + Right::value;
};
template <long path> struct Tree<0, path> {
    static constexpr long value = path;
};

int main()
{
    return Tree<40, 1>::value & 1;
}
