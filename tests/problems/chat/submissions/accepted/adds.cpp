#include <iostream>
#include <string>

int main()
{
    std::string call, note;
    std::cin >> call;
    if (call == "second") {
        std::cin >> note;
        std::cout << note << std::endl;
        return 0;
    }
    long long total = 0, price = 1;
    while (price) {
        std::cout << "next" << std::endl;
        std::cin >> price;
        total += price;
    }
    std::cout << total << std::endl;
}
