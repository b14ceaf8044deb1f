// hostile: ends with the validator's code for an accepted output; of a submission it is a failure.
int main(void)
{
    return 42;
}
