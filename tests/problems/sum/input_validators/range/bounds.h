constexpr long long LARGEST = 1'000'000'000'000'000;
