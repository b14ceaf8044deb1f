int Main(void)
{
    return 0;
}
