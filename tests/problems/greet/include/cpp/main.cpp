#include "bounds.h"
#include "greet.h"

#include <fstream>
#include <iostream>

int main(int argc, char **argv)
{
    static_assert(LONGEST == 20);
    std::string name, mark = ".";
    std::ifstream("mark.txt") >> mark;
    for (int hour; std::cin >> name >> hour;)
        std::cout << (argc > 1 ? argv[1] + std::string(": ") : "") << greeting(name, hour) << mark << '\n';
}
