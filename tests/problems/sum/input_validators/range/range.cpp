// Both numbers are within the bounds of the statement.
#include "bounds.h"

#include <cstdlib>
#include <iostream>

int main()
{
    long long number;
    int count = 0;
    while (std::cin >> number) {
        if (std::llabs(number) > LARGEST)
            return 43;
        count++;
    }
    return count == 2 && std::cin.eof() ? 42 : 43;
}
