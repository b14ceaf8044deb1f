#include <iostream>

int main()
{
    unsigned n, product = 1;
    std::cin >> n;
    for (; n > 1; n--)
        product *= n;
    std::cout << product << std::endl;
}
