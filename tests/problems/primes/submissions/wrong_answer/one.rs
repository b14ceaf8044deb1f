use std::io;

fn main() {
    let mut line = String::new();
    io::stdin().read_line(&mut line).unwrap();
    let n: usize = line.trim().parse().unwrap();
    let mut prime = vec![true; n + 1];
    for p in 2..=n {
        let mut multiple = p * p;
        while prime[p] && multiple <= n {
            prime[multiple] = false;
            multiple += p;
        }
    }
    println!("{}", prime[1..].iter().filter(|&&is| is).count()); // 1 is none
}
