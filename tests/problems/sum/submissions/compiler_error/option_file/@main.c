long long zero(void)
{
    return 0;
}
