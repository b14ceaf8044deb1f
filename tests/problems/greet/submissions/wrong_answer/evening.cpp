#include "greet.h"

std::string greeting(const std::string &name, int hour)
{
    return (hour <= {{noon}} ? "Good morning, " : hour > 17 ? "Good evening, " : "Good day, ") + name;
}
