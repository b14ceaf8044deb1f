constexpr int LONGEST = {{longest}}; // over the one for all languages
