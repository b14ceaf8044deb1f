#include <iostream>
#include <vector>

int main()
{
    int n;
    std::cin >> n;
    std::vector<int> numbers(n), length(n, 1), next(n, -1);
    for (int &number : numbers)
        std::cin >> number;
    int start = n - 1;
    for (int i = n - 1; i >= 0; i--) {
        for (int j = i + 1; j < n; j++)
            if (numbers[j] > numbers[i] && length[j] + 1 > length[i]) {
                length[i] = length[j] + 1;
                next[i] = j;
            }
        if (length[i] > length[start])
            start = i;
    }
    for (int i = start; i >= 0; i = next[i])
        std::cout << numbers[i] << ' ';
    std::cout << std::endl;
}
