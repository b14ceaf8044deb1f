// hostile: a complaint of the compiler that is many times as long as the source; what is kept of it is bounded.
#include <map>
#include <string>
#include <vector>

template <class T> struct Nested {
    using type = std::map<std::vector<T>, std::map<T, std::string>>;
};
using One = Nested<Nested<Nested<Nested<int>::type>::type>::type>::type;

int main()
{
    One one;
    one = one + one;
    std::vector<One>().push_back(std::map<One, One>() == one);
}
