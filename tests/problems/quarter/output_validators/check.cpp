// A checker with the exit codes and the order of arguments that testlib has, made without it: input, output, answer.
// 0 is right, 1 wrong, 2 a matter of form, 3 the jury's own failure, 4 dirt at the end, 7 points, which stderr tells.
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace {

[[noreturn]] void end(int code, const std::string &why)
{
    std::cerr << why << std::endl;
    std::exit(code);
}

double off(std::istream &said, const std::vector<int> &weights, int wrong)
{
    int count, total = 0, chosen = 0;
    std::vector<bool> used(weights.size());
    for (int weight : weights)
        total += weight;
    if (!(said >> count) || count < 0 || count > static_cast<int>(weights.size()))
        end(wrong, "wrong output format: how many?");
    for (int i = 0, which; i < count; i++) {
        if (!(said >> which))
            end(wrong, "wrong output format: fewer than it says");
        if (which < 1 || which > static_cast<int>(weights.size()) || used[which - 1])
            end(wrong == 3 ? 3 : 1, "wrong answer: there is no weight " + std::to_string(which) + " left");
        used[which - 1] = true;
        chosen += weights[which - 1];
    }
    std::string rest;
    if (said >> rest)
        end(wrong == 3 ? 3 : 4, "wrong output format: something at the end");
    return std::abs(chosen - total / 4.0) / total;
}

} // namespace

int main(int argc, char **argv)
{
    if (argc < 4)
        end(3, "FAIL arguments");
    std::ifstream input(argv[1]), output(argv[2]), answer(argv[3]);
    int n;
    input >> n;
    std::vector<int> weights(n);
    for (int &weight : weights)
        input >> weight;
    const double found = off(output, weights, 2), best = off(answer, weights, 3);
    if (found < best - 1e-9)
        end(3, "FAIL the submission has a better answer than the jury");
    if (found > 0.1)
        end(1, "wrong answer: it is off by " + std::to_string(found));
    if (found < best + 1e-9)
        end(7, "points 25 as near as possible");
    end(7, "points 12.5 nearly");
}
