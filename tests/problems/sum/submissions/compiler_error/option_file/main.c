// hostile: a file whose name asks the compiler to take options from this one; they are words that name no file.
-fplugin=/box/evil.so -o /program/program
