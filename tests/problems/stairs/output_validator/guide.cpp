// Goes on in each pass from the floor that its own input names; that of the first pass would lead back to the beginning.
#include <fstream>
#include <iostream>
#include <string>

int main(int, char **argv)
{
    std::ifstream input(argv[1]), answer(argv[2]);
    const std::string feedback = argv[3];
    std::ofstream judge(feedback + "judgemessage.txt", std::ios::app);
    int floor, floors, climbs, top, said;
    input >> floor >> floors >> climbs;
    answer >> top;
    judge << "from " << floor << "\n";
    for (int climbed = 0; climbed < floors; climbed++) {
        std::cout << floor << std::endl;
        if (!(std::cin >> said) || said != floor + 1) {
            judge << "lost on " << floor << "\n";
            return 43;
        }
        floor = said;
    }
    std::cout << "top" << std::endl;
    if (climbs > 1)
        std::ofstream(feedback + "nextpass.in") << floor << " " << floors << " " << climbs - 1 << "\n";
    else if (floor != top)
        return 1;
    return 42;
}
