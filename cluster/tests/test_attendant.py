"""What the attendant finds out before the load. It tries for minutes: of all tests this takes longest, and begins first."""

from test_trouble import RUN, Trouble


class Bucket(Trouble):
    def test_a_bucket_that_the_attendant_cannot_write_is_found_out_before_the_load(self):
        self.cloud.trouble("s3:PutObject", "AccessDenied", status=403, principal="*-generator-task")
        done = self.run_command(*RUN, limit=240)
        self.assertEqual(done.code, 2, done)
        (task,) = self.tasks("generator")
        self.assertIsNone(task.container("generator").process, done)
        self.assertIn("s3:PutObject", done.out + done.err, done)
        self.nothing_was_left(done)
