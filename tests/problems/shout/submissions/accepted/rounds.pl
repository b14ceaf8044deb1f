while (<STDIN>) {
    s/(\d+\.\d+)/sprintf "%.0f", $1/ge;
    print uc;
}
