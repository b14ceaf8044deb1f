#include <functional>
#include <iostream>
#include <queue>
#include <vector>

int main()
{
    int n, m;
    std::cin >> n >> m;
    std::vector<std::vector<std::pair<int, long long>>> lines(n + 1);
    for (int i = 0; i < m; i++) {
        int a, b, minutes;
        std::cin >> a >> b >> minutes;
        lines[a].emplace_back(b, minutes);
        lines[b].emplace_back(a, minutes);
    }
    using Arrival = std::pair<long long, int>;
    std::priority_queue<Arrival, std::vector<Arrival>, std::greater<>> next;
    std::vector<long long> best(n + 1, -1);
    next.emplace(0, 1);
    while (!next.empty()) {
        auto [minutes, station] = next.top();
        next.pop();
        if (best[station] >= 0)
            continue;
        best[station] = minutes;
        for (auto [other, ride] : lines[station])
            next.emplace(minutes + ride, other);
    }
    std::cout << best[n] << std::endl;
}
