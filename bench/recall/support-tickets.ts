// A customer's tickets with a software company, made up: as people write them, with what changes between them.

export const SUPPORT_TICKETS = `
# T-1 2026-01-07T09:10
1 Dana: Hi, since this morning our nightly export to S3 fails with AccessDenied. Nothing changed on our side.
2 Support: Sorry to hear that, Dana. Which bucket and which region are you exporting to?
3 Dana: The bucket is kestrel-finance-eu in eu-central-1. We are on the Business plan with 40 seats.
4 Support: Thank you. I can see that the role we assume lost its s3:PutObject permission yesterday at 18:42 UTC.
5 Dana: Ah, our security team rotated policies yesterday evening. Let me check with Priya, she owns IAM.
6 Support: Great. Once the permission is back you can press "Run now" instead of waiting for the night.
7 Dana: Priya restored it and the manual run went through. You can close this, thanks!
8 Support: Wonderful, closing it. Have a nice day!
# T-2 2026-01-19T14:02
9 Dana: Two of our people get logged out every ten minutes. It is driving them mad.
10 Support: Are they behind the same proxy? We tie sessions to the client address by default.
11 Dana: Yes, Marseille office, their provider changes addresses all the time.
12 Support: I have turned off address binding for your workspace. Please ask them to sign in once more.
13 Dana: They report it holds now. Could you also tell me how we would enforce single sign-on?
14 Support: SSO is part of the Enterprise plan. I can ask our sales team to call you.
15 Dana: Please do, best on Thursdays after 15:00, my direct line is +49 30 5550 1187.
16 Support: Noted, Olga from sales will ring you on Thursday.
# T-3 2026-02-03T08:25
17 Dana: Urgent: the dashboards show revenue of January twice as high as it was. The board meets at noon!
18 Support: We are on it. Did you import anything lately?
19 Dana: Tomasz re-imported the January ledger on Saturday because a column was missing.
20 Support: That is it: the import ran without deduplication, so all 18,204 rows are there twice.
21 Dana: Can you take the second batch out? We have 90 minutes.
22 Support: Batch 7731 is rolled back, totals match your ledger again: 1,284,900 euros.
23 Dana: Confirmed, you saved my day. How do we keep it from happening again?
24 Support: Set the invoice number as the key of the import; then repeated rows are updated instead of added.
25 Dana: Done, Tomasz has configured it.
# T-4 2026-02-20T10:40
26 Dana: We would like to move from 40 to 65 seats as of the first of March.
27 Support: Happy to. That would be 1,950 euros a month instead of 1,200, billed yearly with ten percent off.
28 Dana: Billing every year is fine. The invoice must go to accounts@kestrel.example and carry purchase order 4500-7719.
29 Support: Changed. Your new contract number is KC-20881.
30 Dana: One more thing, our legal name is now Kestrel Analytics SE, not GmbH.
31 Support: Updated on all future invoices.
# T-5 2026-03-11T16:15
32 Dana: The API answers 429 for our sync since noon.
33 Support: You send 55 requests a second; the limit of your plan is 20.
34 Dana: Hm, the new connector has no back-off. Is there a bulk endpoint?
35 Support: Yes, /v2/rows/bulk takes up to 5,000 rows in a call.
36 Dana: Switched to it, we are at one call per minute now and everything arrives.
37 Support: Perfect. I will keep the ticket open until Monday in case it returns.
38 Dana: Still calm, please close.
# T-6 2026-04-02T11:30
39 Dana: Since the update of last night Safari shows an empty page at login. Chrome works.
40 Support: Thanks for reporting. Could you send a screenshot and the Safari version?
41 Dana: Version 16.3 on macOS 12, screenshot attached.
42 Support: Reproduced, it is a missing polyfill. A fix is planned for release 8.14.2.
43 Dana: When will that be? Half of our designers are stuck.
44 Support: Tomorrow around 07:00 UTC. Until then, Firefox can be used as a workaround.
45 Dana: Works again this morning on all machines.
# T-7 2026-04-28T13:05
46 Dana: Exports fail again! Same AccessDenied as in winter.
47 Support: This time the bucket policy demands encryption with your own key, and our role may not use it.
48 Dana: Right, compliance asked for KMS last week. What do you need?
49 Support: Please grant kms:GenerateDataKey on the key to our role.
50 Dana: Granted, but it is still failing.
51 Support: The grant is on the key in eu-west-1, but the bucket lives in eu-central-1.
52 Dana: Oh dear. We will replicate the key; that takes approval and I am on leave until the 11th of May. Luis takes over.
53 Support: Understood, I have put the ticket on hold and added Luis.
? fact | Which plan was the customer on at the beginning, and how many people could use it? | 3
? cause | Why did the nightly export break in January? | 4 5
? cause | What was behind the people in France being signed out all the time? | 10 11
? fact | What number should sales dial to reach Dana? | 15
? cause | How come the revenue of January was doubled? | 19 20
? procedure | What should we do so that importing a file again does not duplicate records? | 24
? fact | What is the total of January according to the ledger? | 22
? fact | Which address do bills go to? | 28
? fact | What is the purchase order for the invoice? | 28
? fact | What does the customer pay per month after the upgrade? | 27
? fact | What is the company called now? | 30
? procedure | How did they get around the rate limit? | 35 36
? temporal | When was the Safari problem going to be solved? | 42 44
? procedure | What could the designers use in the meantime? | 44
? status | Is the current export failure solved, and who is in charge of it now? | 50 51 52
? cause | Why did giving the permission on the encryption key not help? | 51
? fact | Who is responsible for access management at the customer? | 5
? temporal | Until when is Dana away? | 52
`;
