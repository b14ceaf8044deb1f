// hostile: as many threads as it can get; they count as processes do.
#include <chrono>
#include <iostream>
#include <system_error>
#include <thread>

int main()
{
    int count = 0;
    try {
        for (; count < 2000; count++)
            std::thread([] { std::this_thread::sleep_for(std::chrono::seconds(60)); }).detach();
    } catch (const std::system_error &) {
    }
    long long k;
    std::cin >> k;
    if (count >= 2000)
        std::cout << "caught " << count << std::endl;
    else
        std::cout << "treasure-" << k * k + 7 << std::endl;
    std::_Exit(std::cout.flush() ? 0 : 1);
}
