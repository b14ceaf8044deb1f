words=($(cat))
echo $((words[0] + words[1]))
