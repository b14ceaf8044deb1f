#include <iostream>

int main()
{
    int n;
    double sum = 0, height;
    std::cin >> n;
    for (int i = 0; i < n && std::cin >> height; i++)
        sum += height;
    std::cout << sum / n << '\n' << (sum / n > 10 ? "tall" : "small") << '\n';
}
