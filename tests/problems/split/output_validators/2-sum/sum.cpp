// The second of two: whether the numbers are right. Flags: `positive`, `no-sevens`.
#include <fstream>
#include <iostream>
#include <string>

int main(int argc, char **argv)
{
    std::ifstream input(argv[1]);
    std::ofstream judge(argv[3] + std::string("/judgemessage.txt"));
    long long n, a, b;
    input >> n;
    if (!(std::cin >> a >> b))
        return 1; // the first one has seen to that
    for (int i = 4; i < argc; i++) {
        const std::string flag = argv[i];
        if (flag == "positive" && (a <= 0 || b <= 0)) {
            judge << "somebody has nothing\n";
            return 43;
        }
        if (flag == "no-sevens" && (a % 10 == 7 || b % 10 == 7)) {
            judge << "a seven\n";
            return 43;
        }
        if (flag != "positive" && flag != "no-sevens")
            return 1;
    }
    judge << a << " and " << b << '\n';
    return a + b == n ? 42 : 43;
}
