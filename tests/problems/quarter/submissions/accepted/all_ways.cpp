// @EXPECTED_SCORE@: 100
#include <cstdlib>
#include <iostream>
#include <vector>

int main()
{
    int n, total = 0;
    std::cin >> n;
    std::vector<int> weights(n);
    for (int &weight : weights) {
        std::cin >> weight;
        total += weight;
    }
    int best = 0, least = total;
    for (int ways = 0; ways < 1 << n; ways++) {
        int chosen = 0;
        for (int i = 0; i < n; i++)
            chosen += ways >> i & 1 ? weights[i] : 0;
        if (std::abs(4 * chosen - total) < least) {
            least = std::abs(4 * chosen - total);
            best = ways;
        }
    }
    std::cout << __builtin_popcount(best) << '\n';
    for (int i = 0; i < n; i++)
        if (best >> i & 1)
            std::cout << i + 1 << ' ';
    std::cout << std::endl;
}
