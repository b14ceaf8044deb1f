#include "greet.h"

std::string greeting(const std::string &name, int hour)
{
    return (hour < {{noon}} ? "Good morning, " : "Good day, ") + name;
}
