// Thinks of a number: answers ten guesses at most, and tells the jury how many there were.
#include <fstream>
#include <iostream>
#include <string>

int main(int, char **argv)
{
    std::ifstream input(argv[1]);
    std::ofstream judge(argv[3] + std::string("/judgemessage.txt"));
    int number, guess, count = 0;
    input >> number;
    while (count < 10) {
        if (!(std::cin >> guess)) {
            judge << "no number after " << count << " guesses\n";
            return 43;
        }
        count++;
        if (guess == number) {
            std::cout << "yes" << std::endl;
            std::string more;
            if (std::cin >> more) {
                judge << "it went on after guess " << count << "\n";
                return 43;
            }
            judge << count << " guesses\n";
            return 42;
        }
        std::cout << (guess < number ? "more" : "less") << std::endl;
    }
    judge << "not in ten guesses\n";
    return 43;
}
