read -r n rest && [[ -z $rest && $n =~ ^[1-9][0-9]*$ ]] && ((n <= 2000000)) && exit 42
exit 43
