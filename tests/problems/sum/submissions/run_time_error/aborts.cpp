#include <iostream>
#include <stdexcept>

int main()
{
    long long a, b;
    std::cin >> a >> b;
    if (a < 0)
        throw std::runtime_error("books cannot be negative");
    std::cout << a + b << std::endl;
}
