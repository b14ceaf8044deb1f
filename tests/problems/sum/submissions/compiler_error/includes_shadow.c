// hostile: has the compiler quote a file of the host in its complaint; there is no such file where it runs.
#include "/etc/shadow"

int main(void)
{
    return 0;
}
