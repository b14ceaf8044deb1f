#include <iostream>
#include <string>

int main()
{
    int least = 1, most = 1000;
    std::string answer;
    do {
        const int middle = (least + most) / 2;
        std::cout << middle << std::endl;
        std::cin >> answer;
        (answer == "more" ? least : most) = answer == "more" ? middle + 1 : middle - 1;
    } while (answer != "yes");
}
