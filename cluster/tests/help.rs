//! What `--help` says, of the program and of each command: a change of it is seen.

use benchmark_cluster::args::Cli;
use clap::CommandFactory;

#[test]
fn help_of_all_commands() {
    // As for a pipe: no colours, 100 columns.
    let mut all = Cli::command().term_width(100);
    all.build();
    let mut text = all.render_help().to_string();
    fn add(command: &clap::Command, text: &mut String) {
        for command in command
            .get_subcommands()
            .filter(|command| command.get_name() != "help" && !command.is_hide_set())
        {
            text.push_str(&format!(
                "\n---- {}\n{}",
                command.get_name(),
                command.clone().term_width(100).render_help()
            ));
            add(command, text);
        }
    }
    add(&all, &mut text);
    insta::assert_snapshot!(text);
}
