// Each pass goes by its own input, which says how often the word has been moved; what it was at first is kept nowhere.
#include <fstream>
#include <iostream>
#include <string>

int main(int, char **argv)
{
    std::ifstream input(argv[1]), answer(argv[2]);
    const std::string feedback = argv[3];
    std::ofstream judge(feedback + "judgemessage.txt", std::ios::app);
    std::string kind, word, said, more;
    int moved = 0, number, stations, found;
    input >> kind;
    answer >> number >> stations;
    if (kind == "hide") {
        if (!(std::cin >> word) || std::cin >> more || word.size() > 20
            || word.find_first_not_of("abcdefghijklmnopqrstuvwxyz") != std::string::npos) {
            judge << "no word\n";
            return 43;
        }
        judge << "hidden\n";
    } else {
        input >> moved >> word;
        if (!(std::cin >> found) || std::cin >> more || found != number) {
            judge << "not found after " << moved << "\n";
            return 43;
        }
        judge << "found after " << moved << "\n";
    }
    if (moved == stations)
        return 42;
    for (char &letter : word)
        letter = letter == 'z' ? 'a' : letter + 1;
    std::ofstream(feedback + "nextpass.in") << "find " << moved + 1 << " " << word << "\n";
    return 42;
}
