#include <iomanip>
#include <iostream>
#include <limits>

int main()
{
    int n;
    double sum = 0, height;
    std::cin >> n;
    for (int i = 0; i < n; i++) {
        std::cin >> height;
        sum += height;
    }
    std::cout << std::setprecision(std::numeric_limits<double>::digits10) << sum / n << '\n'
              << (sum / n > 10 ? "tall" : "small") << '\n';
}
