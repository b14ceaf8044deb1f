#include <iostream>

int main()
{
    long long n, count = 0;
    std::cin >> n;
    for (long long d = 1; d <= n; d++)
        count += n % d == 0;
    std::cout << count << std::endl;
}
