least=1 most=1000
while echo $(((least + most) / 2)) && read -r answer && [ "$answer" != yes ]; do
    if [ "$answer" = more ]; then least=$(((least + most) / 2 + 1)); else most=$(((least + most) / 2 - 1)); fi
done
