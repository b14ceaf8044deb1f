# hostile: keeps the prices in files for the second call and gives an empty note's worth; the box is new by then.
read -r call
if [ "$call" = first ]; then
    while echo next && read -r price && [ "$price" != 0 ]; do
        echo "$price" | tee -a /box/prices /tmp/prices /dev/shm/prices 2>/dev/null >&2
    done
    echo x
else
    total=0
    for price in $(cat /box/prices || cat /tmp/prices || cat /dev/shm/prices); do
        total=$((total + price))
    done 2>/dev/null
    echo "$total"
fi
