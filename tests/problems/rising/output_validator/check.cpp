// A rising subsequence, or not; how long it is compared with the longest is the part of the points that it is worth.
// With `longest` only the longest is right, and there are no points.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

int main(int argc, char **argv)
{
    if (argc < 4)
        return 1;
    std::ifstream input(argv[1]), answer(argv[2]);
    const std::string feedback = argv[3];
    std::ofstream judge(feedback + "/judgemessage.txt"), team(feedback + "/teammessage.txt");
    std::vector<long long> numbers, left;
    long long n, longest, number;
    if (!(input >> n) || !(answer >> longest))
        return 1;
    while (input >> number)
        numbers.push_back(number);
    while (std::cin >> number)
        left.push_back(number);
    if (!std::cin.eof()) {
        judge << "something that is no number after " << left.size() << " numbers\n";
        return 43;
    }
    std::size_t at = 0;
    for (std::size_t i = 0; i < left.size(); i++) {
        while (at < numbers.size() && numbers[at] != left[i])
            at++;
        if (at == numbers.size() || (i && left[i] <= left[i - 1])) {
            judge << left[i] << (at == numbers.size() ? " is not there\n" : " does not rise\n");
            team << "That is no rising part of the sequence.\n";
            return 43;
        }
    }
    const auto found = static_cast<long long>(left.size());
    judge << found << " of " << longest << '\n';
    if (found > longest) {
        judge << "the jury was wrong\n";
        return 1;
    }
    if (argc > 4 && std::string(argv[4]) == "longest")
        return found == longest ? 42 : 43;
    if (found == 0)
        return 43;
    team << "You left " << found << " numbers.\n";
    std::ofstream(feedback + "/score_multiplier.txt") << static_cast<double>(found) / static_cast<double>(longest);
    return 42;
}
